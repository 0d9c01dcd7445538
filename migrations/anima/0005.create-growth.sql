-- What the creature likes, whom it met, what it wants and what it remembers.
-- depends: 0004.create-outbox
-- ensure: SELECT count(*) = 4 FROM pragma_table_list WHERE strict AND name IN ('preferences', 'relationships', 'goals', 'memories')
CREATE TABLE preferences (
    name TEXT PRIMARY KEY NOT NULL CHECK (length(name) > 0),
    category TEXT NOT NULL CHECK (length(category) > 0),
    description TEXT,
    value REAL NOT NULL DEFAULT 0 CHECK (value BETWEEN -1 AND 1),
    confidence REAL NOT NULL DEFAULT 0 CHECK (confidence BETWEEN 0 AND 1),
    observation_count INTEGER NOT NULL DEFAULT 0 CHECK (observation_count >= 0),
    first_noticed TEXT CHECK (first_noticed LIKE '%+00:00' OR first_noticed LIKE '%Z'),
    last_confirmed TEXT CHECK (last_confirmed LIKE '%+00:00' OR last_confirmed LIKE '%Z')
) STRICT;

CREATE TABLE relationships (
    agent_id TEXT PRIMARY KEY NOT NULL CHECK (length(agent_id) > 0),
    name TEXT,
    first_met TEXT CHECK (first_met LIKE '%+00:00' OR first_met LIKE '%Z'),
    last_seen TEXT CHECK (last_seen LIKE '%+00:00' OR last_seen LIKE '%Z'),
    interaction_count INTEGER NOT NULL DEFAULT 0 CHECK (interaction_count >= 0),
    bond_strength TEXT NOT NULL DEFAULT 'stranger' CHECK (length(bond_strength) > 0),
    emotional_valence REAL NOT NULL DEFAULT 0 CHECK (emotional_valence BETWEEN -1 AND 1),
    memorable_moments TEXT NOT NULL DEFAULT '[]'
        CHECK (json_valid(memorable_moments) AND json_type(memorable_moments) = 'array'),
    topics_discussed TEXT NOT NULL DEFAULT '[]'
        CHECK (json_valid(topics_discussed) AND json_type(topics_discussed) = 'array'),
    gifts_received INTEGER NOT NULL DEFAULT 0 CHECK (gifts_received >= 0),
    self_dialogue_topics TEXT NOT NULL DEFAULT '[]'
        CHECK (json_valid(self_dialogue_topics) AND json_type(self_dialogue_topics) = 'array')
) STRICT;

CREATE TABLE goals (
    goal_id TEXT PRIMARY KEY NOT NULL CHECK (length(goal_id) > 0),
    description TEXT,
    motivation TEXT,
    status TEXT NOT NULL DEFAULT 'active' CHECK (length(status) > 0),
    created_at TEXT CHECK (created_at LIKE '%+00:00' OR created_at LIKE '%Z'),
    target_date TEXT CHECK (target_date LIKE '%+00:00' OR target_date LIKE '%Z'),
    progress REAL NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 1),
    milestones TEXT NOT NULL DEFAULT '[]'
        CHECK (json_valid(milestones) AND json_type(milestones) = 'array'),
    last_worked_on TEXT CHECK (last_worked_on LIKE '%+00:00' OR last_worked_on LIKE '%Z')
) STRICT;

CREATE TABLE memories (
    event_id TEXT PRIMARY KEY NOT NULL CHECK (length(event_id) > 0),
    timestamp TEXT CHECK (timestamp LIKE '%+00:00' OR timestamp LIKE '%Z'),
    description TEXT,
    emotional_impact REAL CHECK (emotional_impact BETWEEN -1 AND 1),
    category TEXT,
    related_agents TEXT NOT NULL DEFAULT '[]'
        CHECK (json_valid(related_agents) AND json_type(related_agents) = 'array'),
    lessons_learned TEXT NOT NULL DEFAULT '[]'
        CHECK (json_valid(lessons_learned) AND json_type(lessons_learned) = 'array')
) STRICT;
