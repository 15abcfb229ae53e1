export type BulkAnswers = {};
