-- The graph of agents, discoveries and disputes, its labels and the indexes AGE does not make.
-- What is there is left as it is. Depends on extension age, and on USAGE of schema ag_catalog.
-- ensure: SELECT count(*) = 14 FROM ag_catalog.ag_label AS l JOIN ag_catalog.ag_graph AS g ON g.graphid = l.graph WHERE g.name = 'governance_graph' AND l.name !~ '^_'
-- ensure: SELECT count(*) = 45 FROM pg_catalog.pg_indexes WHERE schemaname = 'governance_graph' AND tablename !~ '^_'

DO $$
DECLARE
    here CONSTANT name := 'governance_graph';
    one record;
    property text;
    expression text;
BEGIN
    IF NOT EXISTS (SELECT FROM ag_catalog.ag_graph AS g WHERE g.name = here) THEN
        PERFORM ag_catalog.create_graph(here);
    END IF;
    FOR one IN
        SELECT wanted.label, wanted.kind, wanted.indexed, wanted.label || '_' AS stem,
               EXISTS (SELECT FROM ag_catalog.ag_label AS l
                         JOIN ag_catalog.ag_graph AS g ON g.graphid = l.graph
                        WHERE g.name = here AND l.name = wanted.label) AS is_there
          FROM (VALUES
                -- The first of its indexed properties is a vertex's key.
                ('Agent',            'v', ARRAY['id']),
                ('Tag',              'v', ARRAY['name']),
                ('Discovery',        'v', ARRAY['id', 'type', 'status']),
                ('DialecticSession', 'v', ARRAY['id', 'status']),
                ('DialecticMessage', 'v', ARRAY['id']),
                ('SPAWNED',          'e', ARRAY[]::text[]),
                ('DISCOVERED',       'e', ARRAY[]::text[]),
                ('HAS_TAG',          'e', ARRAY[]::text[]),
                ('RELATED_TO',       'e', ARRAY[]::text[]),
                ('RESPONSE_TO',      'e', ARRAY[]::text[]),
                ('PAUSED_AGENT',     'e', ARRAY[]::text[]),
                ('REVIEWER',         'e', ARRAY[]::text[]),
                ('HAS_MESSAGE',      'e', ARRAY[]::text[]),
                ('WROTE',            'e', ARRAY[]::text[]))
               AS wanted (label, kind, indexed)
    LOOP
        IF one.is_there THEN
            NULL;
        ELSIF one.kind = 'v' THEN
            PERFORM ag_catalog.create_vlabel(here, one.label::name);
        ELSE
            PERFORM ag_catalog.create_elabel(here, one.label::name);
        END IF;
        EXECUTE format('CREATE UNIQUE INDEX IF NOT EXISTS %I ON %I.%I (id)',
                       lower(one.stem || 'id_idx'), here, one.label);
        IF one.kind = 'e' THEN
            EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON %I.%I (start_id)',
                           lower(one.stem || 'start_id_idx'), here, one.label);
            EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON %I.%I (end_id)',
                           lower(one.stem || 'end_id_idx'), here, one.label);
        ELSE
            -- MATCH (n {id: ...}) asks the whole map, WHERE n.id = ... asks one property.
            EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON %I.%I USING gin (properties)',
                           lower(one.stem || 'properties_idx'), here, one.label);
        END IF;
        FOREACH property IN ARRAY one.indexed LOOP
            expression := format(
                'ag_catalog.agtype_access_operator(VARIADIC ARRAY[properties, %L::ag_catalog.agtype])',
                to_json(property));
            EXECUTE format('CREATE %s INDEX IF NOT EXISTS %I ON %I.%I (%s)',
                           CASE WHEN property = one.indexed[1] THEN 'UNIQUE' END,
                           lower(one.stem || property || '_property_idx'), here, one.label,
                           expression);
        END LOOP;
    END LOOP;
END
$$;
