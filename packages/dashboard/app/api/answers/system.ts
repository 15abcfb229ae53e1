export type SystemAnswers = {};
