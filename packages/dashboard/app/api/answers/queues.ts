export type QueueAnswers = {};
