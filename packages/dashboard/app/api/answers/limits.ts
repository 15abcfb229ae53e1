export type LimitAnswers = {};
