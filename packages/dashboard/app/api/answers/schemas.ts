export type SchemaAnswers = {};
