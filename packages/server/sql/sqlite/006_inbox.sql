-- What users' own transactions append (see src/storage/sqlite/inbox.ts).
CREATE TABLE ojs_inbox (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL,
  request TEXT NOT NULL
) STRICT;
CREATE INDEX ojs_inbox_id ON ojs_inbox (id);

CREATE TABLE ojs_inbox_completions (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL,
  claim INTEGER NOT NULL,
  result TEXT
) STRICT;
CREATE INDEX ojs_inbox_completions_id ON ojs_inbox_completions (id);
