export type TokenAnswers = {};
