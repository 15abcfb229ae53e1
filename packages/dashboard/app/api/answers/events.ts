export type EventAnswers = {};
