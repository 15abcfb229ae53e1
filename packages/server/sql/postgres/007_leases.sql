-- Whether only calls with the lease of the claim count.
ALTER TABLE ojs.jobs ADD COLUMN lease_required boolean NOT NULL DEFAULT false;
-- The secret that the leases of this store are made with, for ever.
ALTER TABLE ojs.store ADD COLUMN lease_key text NOT NULL DEFAULT md5(gen_random_uuid()::text);
