export type WorkerAnswers = {};
