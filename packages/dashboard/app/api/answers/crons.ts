export type CronAnswers = {};
