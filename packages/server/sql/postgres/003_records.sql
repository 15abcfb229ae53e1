-- Small texts by kind and key, which the store keeps and never reads: what were documents, and the audit log.
CREATE TABLE ojs.records (
  kind text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (kind, key)
);

INSERT INTO ojs.records SELECT kind, key, version, created_at, updated_at, body FROM ojs.documents;

-- The first twelve digits of an id are the milliseconds of its time.
INSERT INTO ojs.records
  SELECT 'audit', id::text, 1, at, at, entry
  FROM ojs.audit, LATERAL (SELECT ('x' || left(translate(id::text, '-', ''), 12))::bit(48)::bigint AS at) AS made;

DROP TABLE ojs.documents;
DROP TABLE ojs.audit;
