-- Changes of limits and lanes are taken over in pages: the oldest of limits, and of lanes those that matter first in
-- their queue.
CREATE INDEX limit_changes_oldest ON ojs.limit_changes (number);
-- The best job that came into the lane. What a server of the version before appends does not say, and is taken over
-- first.
ALTER TABLE ojs.lane_changes ADD COLUMN priority integer NOT NULL DEFAULT 2147483647, ADD COLUMN place bigint NOT NULL DEFAULT 0;
CREATE INDEX lane_changes_first ON ojs.lane_changes (queue, priority DESC, place);
