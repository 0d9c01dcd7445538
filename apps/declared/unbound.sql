-- Takes away every policy of a tenant's schemas, so that those that follow are all there are.

DO $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT p.schemaname, p.tablename, p.policyname
          FROM pg_catalog.pg_policies AS p
         WHERE p.schemaname IN ({places})
    LOOP
        EXECUTE format('DROP POLICY %I ON %I.%I', one.policyname, one.schemaname, one.tablename);
    END LOOP;
END
$$;

