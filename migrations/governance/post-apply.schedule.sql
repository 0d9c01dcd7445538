-- The jobs of pg_cron, and no other of ours. Repeatable. One database of a server has the
-- extension; a copy of it, such as the scratch one of the drift check, has no jobs.

DO $$
DECLARE
    job record;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_extension WHERE extname = 'pg_cron') THEN
        RETURN;
    ELSIF NOT has_schema_privilege('cron', 'USAGE') THEN
        RAISE EXCEPTION 'pg_cron: % may not use schema cron', current_user
              USING HINT = 'deploy again: the deploy grants it';
    END IF;
    FOR job IN
        SELECT had.jobid, wanted.name, wanted.schedule, wanted.command
          FROM (VALUES
                ('partition-maintenance', '17 3 * * *', 'CALL audit.partition_maintenance()'),
                ('forget-job-runs', '47 3 * * *',
                 'DELETE FROM cron.job_run_details'
                 ' WHERE coalesce(end_time, start_time) < now() - interval ''14 days'''))
               AS wanted (name, schedule, command)
          FULL JOIN (
               SELECT j.jobid, j.schedule, j.command,
                      CASE WHEN j.active AND j.database = current_database() THEN j.jobname END
                 FROM cron.job AS j
                WHERE j.username = current_user) AS had (jobid, schedule, command, name)
            ON (had.name, had.schedule, had.command)
             = (wanted.name, wanted.schedule, wanted.command)
         WHERE had.jobid IS NULL OR wanted.name IS NULL
         ORDER BY had.jobid NULLS LAST
    LOOP
        IF job.jobid IS NOT NULL THEN
            PERFORM cron.unschedule(job.jobid);
        ELSE
            PERFORM cron.schedule(job.name, job.schedule, job.command);
        END IF;
    END LOOP;
END
$$;
