-- Small texts by kind and key, which the store keeps and never reads: what were documents, and the audit log.
CREATE TABLE ojs_records (
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;

INSERT INTO ojs_records SELECT kind, key, version, created_at, updated_at, body FROM ojs_documents;

-- The first twelve digits of an id are the milliseconds of its time.
INSERT INTO ojs_records (kind, key, version, created_at, updated_at, body)
  WITH RECURSIVE read (id, digits, at, entry) AS (
    SELECT id, substr(id, 1, 8) || substr(id, 10, 4), 0, entry FROM ojs_audit
    UNION ALL
    SELECT id, substr(digits, 2), at * 16 + instr('0123456789abcdef', substr(digits, 1, 1)) - 1, entry FROM read
      WHERE digits <> ''
  )
  SELECT 'audit', id, 1, at, at, entry FROM read WHERE digits = '';

DROP TABLE ojs_documents;
DROP TABLE ojs_audit;
