-- Which rows each role sees. Repeatable. Written by: python -m apps.declared

DO $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT p.schemaname, p.tablename, p.policyname
          FROM pg_catalog.pg_policies AS p
         WHERE p.schemaname IN ('soulfra', 'log', 'privacy', 'drift', 'shard')
    LOOP
        EXECUTE format('DROP POLICY %I ON %I.%I', one.policyname, one.schemaname, one.tablename);
    END LOOP;
END
$$;


ALTER TABLE soulfra.users ENABLE ROW LEVEL SECURITY;
ALTER TABLE soulfra.users FORCE ROW LEVEL SECURITY;
ALTER TABLE soulfra.credit_entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE soulfra.credit_entries FORCE ROW LEVEL SECURITY;
ALTER TABLE soulfra.loop_owners ENABLE ROW LEVEL SECURITY;
ALTER TABLE soulfra.loop_owners FORCE ROW LEVEL SECURITY;
ALTER TABLE soulfra.pii_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE soulfra.pii_tokens FORCE ROW LEVEL SECURITY;
ALTER TABLE soulfra.agents ENABLE ROW LEVEL SECURITY;
ALTER TABLE soulfra.agents FORCE ROW LEVEL SECURITY;
ALTER TABLE soulfra.loops ENABLE ROW LEVEL SECURITY;
ALTER TABLE soulfra.loops FORCE ROW LEVEL SECURITY;
ALTER TABLE soulfra.guilds ENABLE ROW LEVEL SECURITY;
ALTER TABLE soulfra.guilds FORCE ROW LEVEL SECURITY;
ALTER TABLE soulfra.guild_members ENABLE ROW LEVEL SECURITY;
ALTER TABLE soulfra.guild_members FORCE ROW LEVEL SECURITY;
ALTER TABLE soulfra.votings ENABLE ROW LEVEL SECURITY;
ALTER TABLE soulfra.votings FORCE ROW LEVEL SECURITY;
ALTER TABLE soulfra.votes ENABLE ROW LEVEL SECURITY;
ALTER TABLE soulfra.votes FORCE ROW LEVEL SECURITY;
ALTER TABLE soulfra.blessings ENABLE ROW LEVEL SECURITY;
ALTER TABLE soulfra.blessings FORCE ROW LEVEL SECURITY;
ALTER TABLE soulfra.prophecies ENABLE ROW LEVEL SECURITY;
ALTER TABLE soulfra.prophecies FORCE ROW LEVEL SECURITY;
ALTER TABLE soulfra.transformations ENABLE ROW LEVEL SECURITY;
ALTER TABLE soulfra.transformations FORCE ROW LEVEL SECURITY;
ALTER TABLE soulfra.clusters ENABLE ROW LEVEL SECURITY;
ALTER TABLE soulfra.clusters FORCE ROW LEVEL SECURITY;
ALTER TABLE soulfra.cluster_loops ENABLE ROW LEVEL SECURITY;
ALTER TABLE soulfra.cluster_loops FORCE ROW LEVEL SECURITY;
ALTER TABLE log.events ENABLE ROW LEVEL SECURITY;
ALTER TABLE log.events FORCE ROW LEVEL SECURITY;
CREATE POLICY house ON soulfra.users FOR ALL TO soulfra, soulfra_owner USING (true);
CREATE POLICY house ON soulfra.credit_entries FOR ALL TO soulfra, soulfra_owner USING (true);
CREATE POLICY house ON soulfra.loop_owners FOR ALL TO soulfra, soulfra_owner USING (true);
CREATE POLICY house ON soulfra.pii_tokens FOR ALL TO soulfra, soulfra_owner USING (true);
CREATE POLICY house ON soulfra.agents FOR ALL TO soulfra, soulfra_owner USING (true);
CREATE POLICY house ON soulfra.loops FOR ALL TO soulfra, soulfra_owner USING (true);
CREATE POLICY house ON soulfra.guilds FOR ALL TO soulfra, soulfra_owner USING (true);
CREATE POLICY house ON soulfra.guild_members FOR ALL TO soulfra, soulfra_owner USING (true);
CREATE POLICY house ON soulfra.votings FOR ALL TO soulfra, soulfra_owner USING (true);
CREATE POLICY house ON soulfra.votes FOR ALL TO soulfra, soulfra_owner USING (true);
CREATE POLICY house ON soulfra.blessings FOR ALL TO soulfra, soulfra_owner USING (true);
CREATE POLICY house ON soulfra.prophecies FOR ALL TO soulfra, soulfra_owner USING (true);
CREATE POLICY house ON soulfra.transformations FOR ALL TO soulfra, soulfra_owner USING (true);
CREATE POLICY house ON soulfra.clusters FOR ALL TO soulfra, soulfra_owner USING (true);
CREATE POLICY house ON soulfra.cluster_loops FOR ALL TO soulfra, soulfra_owner USING (true);
CREATE POLICY house ON log.events FOR ALL TO soulfra, soulfra_owner USING (true);
CREATE POLICY reports ON soulfra.agents FOR SELECT TO soulfra_ro USING (true);
CREATE POLICY reports ON soulfra.loops FOR SELECT TO soulfra_ro USING (true);
CREATE POLICY reports ON soulfra.guilds FOR SELECT TO soulfra_ro USING (true);
CREATE POLICY reports ON soulfra.guild_members FOR SELECT TO soulfra_ro USING (true);
CREATE POLICY reports ON soulfra.votings FOR SELECT TO soulfra_ro USING (true);
CREATE POLICY reports ON soulfra.votes FOR SELECT TO soulfra_ro USING (true);
CREATE POLICY reports ON soulfra.blessings FOR SELECT TO soulfra_ro USING (true);
CREATE POLICY reports ON soulfra.prophecies FOR SELECT TO soulfra_ro USING (true);
CREATE POLICY reports ON soulfra.transformations FOR SELECT TO soulfra_ro USING (true);
CREATE POLICY reports ON soulfra.clusters FOR SELECT TO soulfra_ro USING (true);
CREATE POLICY reports ON soulfra.cluster_loops FOR SELECT TO soulfra_ro USING (true);
CREATE POLICY reports ON log.events FOR SELECT TO soulfra_ro USING (type NOT IN ('credits_changed', 'loop_owned'));
CREATE POLICY person ON soulfra.users FOR SELECT TO soulfra_user USING (id = (SELECT nullif(current_setting('soulfra.user_id', true), '')::uuid));
CREATE POLICY person ON soulfra.credit_entries FOR SELECT TO soulfra_user USING (user_id = (SELECT nullif(current_setting('soulfra.user_id', true), '')::uuid));
CREATE POLICY person ON soulfra.loop_owners FOR SELECT TO soulfra_user USING (creator_id = (SELECT nullif(current_setting('soulfra.user_id', true), '')::uuid));
CREATE POLICY person ON soulfra.pii_tokens FOR SELECT TO soulfra_user USING (user_id = (SELECT nullif(current_setting('soulfra.user_id', true), '')::uuid));
CREATE POLICY person ON soulfra.agents FOR SELECT TO soulfra_user USING (owner_id = (SELECT nullif(current_setting('soulfra.user_id', true), '')::uuid));
CREATE POLICY person ON soulfra.loops FOR SELECT TO soulfra_user USING ((SELECT nullif(current_setting('soulfra.user_id', true), '')::uuid) IS NOT NULL);
CREATE POLICY person ON soulfra.guilds FOR SELECT TO soulfra_user USING ((SELECT nullif(current_setting('soulfra.user_id', true), '')::uuid) IS NOT NULL);
CREATE POLICY person ON soulfra.guild_members FOR SELECT TO soulfra_user USING ((SELECT nullif(current_setting('soulfra.user_id', true), '')::uuid) IS NOT NULL);
CREATE POLICY person ON soulfra.votings FOR SELECT TO soulfra_user USING ((SELECT nullif(current_setting('soulfra.user_id', true), '')::uuid) IS NOT NULL);
CREATE POLICY person ON soulfra.votes FOR SELECT TO soulfra_user USING ((SELECT nullif(current_setting('soulfra.user_id', true), '')::uuid) IS NOT NULL);
CREATE POLICY person ON soulfra.blessings FOR SELECT TO soulfra_user USING ((SELECT nullif(current_setting('soulfra.user_id', true), '')::uuid) IS NOT NULL);
CREATE POLICY person ON soulfra.prophecies FOR SELECT TO soulfra_user USING ((SELECT nullif(current_setting('soulfra.user_id', true), '')::uuid) IS NOT NULL);
CREATE POLICY person ON soulfra.transformations FOR SELECT TO soulfra_user USING ((SELECT nullif(current_setting('soulfra.user_id', true), '')::uuid) IS NOT NULL);
CREATE POLICY person ON soulfra.clusters FOR SELECT TO soulfra_user USING ((SELECT nullif(current_setting('soulfra.user_id', true), '')::uuid) IS NOT NULL);
CREATE POLICY person ON soulfra.cluster_loops FOR SELECT TO soulfra_user USING ((SELECT nullif(current_setting('soulfra.user_id', true), '')::uuid) IS NOT NULL);
