export type StatisticsAnswers = {};
