export type JobAnswers = {};
