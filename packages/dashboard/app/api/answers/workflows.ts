export type WorkflowAnswers = {};
