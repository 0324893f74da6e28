-- A role for each of Siaga's processes. Run it once as an administrator, connected to Siaga's database:
--   psql -d siaga -f deploy/postgres/roles.sql
-- Then, as siaga_owner, and again after every upgrade of Siaga:  siaga db upgrade && siaga db roles --apply
-- Passwords are set apart, so that none stands in a file of statements:  \password siaga_sinks
-- Running it again changes nothing.

DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'siaga_owner') THEN CREATE ROLE siaga_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE; END IF; END $$;
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'siaga_sinks') THEN CREATE ROLE siaga_sinks LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE; END IF; END $$;
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'siaga_console') THEN CREATE ROLE siaga_console LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE; END IF; END $$;
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'siaga_auditor') THEN CREATE ROLE siaga_auditor LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE; END IF; END $$;

SELECT current_database() AS siaga \gset
ALTER DATABASE :"siaga" OWNER TO siaga_owner;
REVOKE ALL ON DATABASE :"siaga" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"siaga" TO siaga_sinks, siaga_console, siaga_auditor;
GRANT TEMPORARY ON DATABASE :"siaga" TO siaga_sinks;
