-- The whole schema. Times are milliseconds since 1970 (UTC); ids are 64-bit integers made by the server, label ids the
-- client's UUID (16 bytes); words in CHECK lists are the words of JSON, of the exports and of the screen.

-- People ----------------------------------------------------------------------------------------------------------

CREATE TABLE volunteers (
    id               BIGINT PRIMARY KEY,
    name             TEXT,                        -- NULL: a guest
    name_key         TEXT UNIQUE,                 -- the name as it is compared: trimmed, lower case
    password_hash    TEXT,
    recovery_hash    TEXT,
    recovery_until   BIGINT,                      -- when the recovery code ends; NULL: never
    admin            BOOLEAN NOT NULL DEFAULT FALSE,
    creator          BOOLEAN NOT NULL DEFAULT FALSE, -- may make campaigns
    had_account      BOOLEAN NOT NULL DEFAULT FALSE, -- still says so of a deleted one: exports stay what they were
    language         TEXT,
    created_at       BIGINT NOT NULL,
    disabled_at      BIGINT,
    deleted_at       BIGINT,
    imported         BOOLEAN NOT NULL DEFAULT FALSE, -- stands for somebody of another system, and is nobody who signs in
    CHECK ((name IS NULL) = (name_key IS NULL)),
    CHECK (NOT imported OR (name IS NULL AND password_hash IS NULL AND recovery_hash IS NULL AND NOT admin))
);

CREATE TABLE sessions (
    id               BIGINT PRIMARY KEY,
    volunteer_id     BIGINT NOT NULL REFERENCES volunteers (id),
    refresh_hash     BYTEA NOT NULL UNIQUE,        -- SHA-256 of the refresh token now in use
    previous_hash    BYTEA UNIQUE,                 -- the one before it, accepted for a few seconds after the change
    created_at       BIGINT NOT NULL,
    refreshed_at     BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL,
    proven_at        BIGINT NOT NULL,             -- when a password or a code was last given in it
    revoked_at       BIGINT
);
CREATE INDEX sessions_volunteer ON sessions (volunteer_id);

CREATE TABLE personal_tokens (
    id               BIGINT PRIMARY KEY,
    volunteer_id     BIGINT NOT NULL REFERENCES volunteers (id),
    token_hash       BYTEA NOT NULL UNIQUE,        -- SHA-256
    name             TEXT NOT NULL,
    scopes           TEXT NOT NULL,               -- words separated by blanks
    created_at       BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL,
    revoked_at       BIGINT
);
CREATE INDEX personal_tokens_volunteer ON personal_tokens (volunteer_id);

CREATE TABLE second_factors (
    volunteer_id     BIGINT PRIMARY KEY REFERENCES volunteers (id),
    secret           BYTEA NOT NULL,               -- 160 bits, which the app of its owner has too
    created_at       BIGINT NOT NULL,
    confirmed_at     BIGINT,                      -- when a code of the app was right; NULL: not yet, and nobody is asked
    last_step        BIGINT NOT NULL              -- the last half minute since 1970 whose code was used; each works once
);

-- Campaigns -------------------------------------------------------------------------------------------------------

CREATE TABLE scales (
    id               BIGINT PRIMARY KEY,
    key              TEXT NOT NULL,
    ordered          BOOLEAN NOT NULL,
    heavy_from       SMALLINT NOT NULL,
    screening        DOUBLE PRECISION,            -- call damage where its probability is at least this; NULL: not used
    built_in         BOOLEAN NOT NULL,
    CHECK (screening IS NULL OR (screening > 0 AND screening < 1))
);

CREATE TABLE scale_answers (
    scale_id         BIGINT NOT NULL REFERENCES scales (id),
    place            SMALLINT NOT NULL,           -- the number by which labels refer to the answer
    key              TEXT NOT NULL,
    role             TEXT NOT NULL CHECK (role IN ('class', 'between', 'side')),
    low              SMALLINT,
    high             SMALLINT,
    code             INTEGER NOT NULL,
    names            TEXT NOT NULL DEFAULT '{}',  -- JSON object: what it is called on screen, by language
    PRIMARY KEY (scale_id, place),
    UNIQUE (scale_id, key),
    CHECK (place >= 0 AND (role = 'between') = (low IS NOT NULL AND high IS NOT NULL))
);

CREATE TABLE campaigns (
    id               BIGINT PRIMARY KEY,
    slug             TEXT NOT NULL UNIQUE,
    state            TEXT NOT NULL CHECK (state IN ('draft', 'open', 'paused', 'closed', 'archived')),
    visibility       TEXT NOT NULL CHECK (visibility IN ('public', 'invitation', 'private')),
    release_level    TEXT NOT NULL CHECK (release_level IN ('public', 'coarsened', 'private')),
    kind             TEXT NOT NULL CHECK (kind IN ('pair', 'timeline')),
    tile_source      TEXT NOT NULL CHECK (tile_source IN ('cells', 'footprints')),
    labelling_zoom   SMALLINT,                    -- of cell tiles; NULL until it is chosen or fitted
    scale_id         BIGINT NOT NULL REFERENCES scales (id),
    language         TEXT NOT NULL,
    licence          TEXT,
    synthetic        BOOLEAN NOT NULL DEFAULT FALSE,
    area             TEXT,                        -- GeoJSON geometry; NULL: wherever there is imagery
    margin           DOUBLE PRECISION NOT NULL,   -- around a footprint, as a share of its longer side
    least_m          DOUBLE PRECISION NOT NULL,   -- smallest square around a footprint, metres
    west             DOUBLE PRECISION,            -- the box around all tiles; NULL while there is none
    south            DOUBLE PRECISION,
    east             DOUBLE PRECISION,
    north            DOUBLE PRECISION,
    pseudonym_key    BYTEA NOT NULL,               -- makes pseudonyms of this campaign unlinkable with any other's
    model            INTEGER NOT NULL DEFAULT 0,  -- the number of the model in use
    created_at       BIGINT NOT NULL,
    opened_at        BIGINT,
    closed_at        BIGINT
);

CREATE TABLE campaign_texts (
    campaign_id      BIGINT NOT NULL REFERENCES campaigns (id),
    language         TEXT NOT NULL,
    title            TEXT NOT NULL,
    purpose          TEXT NOT NULL DEFAULT '',
    introduction     TEXT NOT NULL DEFAULT '',    -- Markdown, read before the first practice tile
    instructions     TEXT NOT NULL DEFAULT '',
    care_notice      TEXT NOT NULL DEFAULT '',
    help_lines       TEXT NOT NULL DEFAULT '',
    news             TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (campaign_id, language)
);

-- What each answer means, for the field guide.
CREATE TABLE guide_texts (
    campaign_id      BIGINT NOT NULL REFERENCES campaigns (id),
    language         TEXT NOT NULL,
    answer           SMALLINT NOT NULL CHECK (answer >= 0),
    text             TEXT NOT NULL,               -- Markdown
    PRIMARY KEY (campaign_id, language, answer)
);

-- Campaigns whose answers were brought in from another system.
CREATE TABLE imports (
    campaign_id      BIGINT PRIMARY KEY REFERENCES campaigns (id),
    source           TEXT NOT NULL CHECK (source IN ('mapswipe', 'labels')),
    settings         TEXT NOT NULL,               -- JSON: the meaning of the answers; a repeat must mean the same
    started_at       BIGINT NOT NULL,
    finished_at      BIGINT                       -- NULL: under way, or stopped midway
);

CREATE TABLE policies (
    campaign_id      BIGINT PRIMARY KEY REFERENCES campaigns (id),
    settings         TEXT NOT NULL,               -- JSON of domain::policy::Policy
    version          INTEGER NOT NULL DEFAULT 1   -- grows whenever tiles are decided in another way
);

CREATE TABLE roles (
    volunteer_id     BIGINT NOT NULL REFERENCES volunteers (id),
    campaign_id      BIGINT NOT NULL REFERENCES campaigns (id),
    role             TEXT NOT NULL CHECK (role IN ('volunteer', 'reviewer', 'researcher', 'coordinator')),
    granted_by       BIGINT REFERENCES volunteers (id),
    granted_at       BIGINT NOT NULL,
    PRIMARY KEY (volunteer_id, campaign_id, role)
);

CREATE TABLE invitations (
    id               BIGINT PRIMARY KEY,
    campaign_id      BIGINT NOT NULL REFERENCES campaigns (id),
    code_hash        BYTEA NOT NULL UNIQUE,
    role             TEXT NOT NULL CHECK (role IN ('volunteer', 'reviewer', 'researcher', 'coordinator')),
    guests           BOOLEAN NOT NULL DEFAULT FALSE, -- whoever has no account may come in by it too
    note             TEXT NOT NULL DEFAULT '',    -- whom it is for, in the coordinator's words
    uses             INTEGER NOT NULL CHECK (uses >= 1),
    uses_left        INTEGER NOT NULL CHECK (uses_left BETWEEN 0 AND uses),
    created_by       BIGINT REFERENCES volunteers (id),
    created_at       BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL,
    revoked_at       BIGINT,
    CHECK (NOT guests OR role = 'volunteer')
);

-- One person uses one invitation once: whoever was removed does not come back by the same link.
CREATE TABLE invitation_uses (
    invitation_id    BIGINT NOT NULL REFERENCES invitations (id),
    volunteer_id     BIGINT NOT NULL REFERENCES volunteers (id),
    used_at          BIGINT NOT NULL,
    PRIMARY KEY (invitation_id, volunteer_id)
);

-- The policies under which tiles were decided, one after the other. A campaign that never changed its policy has none.
CREATE TABLE policy_versions (
    campaign_id      BIGINT NOT NULL REFERENCES campaigns (id),
    version          INTEGER NOT NULL CHECK (version >= 1),
    settings         TEXT NOT NULL,               -- JSON of domain::policy::Policy
    reason           TEXT NOT NULL DEFAULT '',
    changed_by       BIGINT REFERENCES volunteers (id),
    in_force_from    BIGINT NOT NULL,
    closed_too       BOOLEAN NOT NULL,            -- whether it decides closed tiles anew
    tiles_after      BIGINT NOT NULL,             -- tiles up to this id follow it already
    applied_at       BIGINT,                      -- NULL: tiles are still being brought in line
    PRIMARY KEY (campaign_id, version)
);

-- Where tiles are handed out before others.
CREATE TABLE priority_areas (
    id               BIGINT PRIMARY KEY,
    campaign_id      BIGINT NOT NULL REFERENCES campaigns (id),
    name             TEXT NOT NULL,
    level            SMALLINT NOT NULL CHECK (level BETWEEN 1 AND 3), -- 3 first; hand-out draws from few groups
    geometry         TEXT NOT NULL,               -- GeoJSON geometry
    created_by       BIGINT REFERENCES volunteers (id),
    created_at       BIGINT NOT NULL
);
CREATE INDEX priority_areas_campaign ON priority_areas (campaign_id);

-- What one volunteer has done in one campaign: counters that spare the hand-out a look at the label log.
CREATE TABLE participations (
    campaign_id      BIGINT NOT NULL REFERENCES campaigns (id),
    volunteer_id     BIGINT NOT NULL REFERENCES volunteers (id),
    labels           INTEGER NOT NULL DEFAULT 0 CHECK (labels >= 0),
    tiles_served     INTEGER NOT NULL DEFAULT 0 CHECK (tiles_served >= 0),
    skips            INTEGER NOT NULL DEFAULT 0 CHECK (skips >= 0),
    first_at         BIGINT NOT NULL,
    last_at          BIGINT NOT NULL,
    practice_passed_at BIGINT,
    PRIMARY KEY (campaign_id, volunteer_id)
);

CREATE TABLE exclusions (
    id               BIGINT PRIMARY KEY,
    campaign_id      BIGINT NOT NULL REFERENCES campaigns (id),
    volunteer_id     BIGINT NOT NULL REFERENCES volunteers (id),
    kind             TEXT NOT NULL CHECK (kind IN ('paused', 'excluded')),
    reason           TEXT NOT NULL,
    created_by       BIGINT NOT NULL REFERENCES volunteers (id),
    created_at       BIGINT NOT NULL,
    lifted_by        BIGINT REFERENCES volunteers (id),
    lifted_at        BIGINT,
    applied_at       BIGINT                        -- when all labels had followed this act, or its lifting; NULL: they still do
);
CREATE UNIQUE INDEX exclusions_one_in_force ON exclusions (campaign_id, volunteer_id) WHERE lifted_at IS NULL;

-- Imagery and tiles -----------------------------------------------------------------------------------------------

CREATE TABLE scenes (
    id               BIGINT PRIMARY KEY,
    campaign_id      BIGINT NOT NULL REFERENCES campaigns (id),
    title            TEXT NOT NULL,
    captured_from    BIGINT NOT NULL,
    captured_to      BIGINT NOT NULL,
    sensor           TEXT,
    licence          TEXT,
    attribution      TEXT,
    source_name      TEXT NOT NULL,               -- the file's name, never its path
    source_sha256    TEXT NOT NULL,
    archive          TEXT NOT NULL,               -- file name below the tiles folder
    archive_sha256   TEXT NOT NULL,
    crs              TEXT NOT NULL,
    pixel_size_m     DOUBLE PRECISION NOT NULL,
    min_zoom         SMALLINT NOT NULL,
    max_zoom         SMALLINT NOT NULL,
    west             DOUBLE PRECISION NOT NULL,
    south            DOUBLE PRECISION NOT NULL,
    east             DOUBLE PRECISION NOT NULL,
    north            DOUBLE PRECISION NOT NULL,
    created_at       BIGINT NOT NULL,
    withdrawn_at     BIGINT,
    alignment        TEXT,                        -- JSON: the shift against the first scene, and whether it was undone
    joined_at        BIGINT,                      -- when it joined a campaign under way; NULL: there when that opened
    joining          TEXT,                        -- JSON: how far its tiles have followed; NULL: all have
    UNIQUE (campaign_id, archive),
    CHECK (captured_from <= captured_to),
    CHECK (min_zoom >= 0 AND min_zoom <= max_zoom)
);

-- Building outlines as they were brought; tiles are derived from them while the campaign is a draft.
CREATE TABLE footprints (
    campaign_id      BIGINT NOT NULL REFERENCES campaigns (id),
    footprint_id     TEXT NOT NULL,
    geometry         TEXT NOT NULL,               -- GeoJSON geometry
    west             DOUBLE PRECISION NOT NULL,
    south            DOUBLE PRECISION NOT NULL,
    east             DOUBLE PRECISION NOT NULL,
    north            DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (campaign_id, footprint_id)
);

CREATE TABLE tiles (
    id               BIGINT PRIMARY KEY,
    campaign_id      BIGINT NOT NULL REFERENCES campaigns (id),
    tile_id          TEXT COLLATE "C" NOT NULL,   -- sorts alike on both databases; the public id: z-x-y, or the footprint's
    z                SMALLINT,                    -- cell tiles only
    x                INTEGER,
    y                INTEGER,
    west             DOUBLE PRECISION NOT NULL,
    south            DOUBLE PRECISION NOT NULL,
    east             DOUBLE PRECISION NOT NULL,
    north            DOUBLE PRECISION NOT NULL,
    footprint        TEXT,                        -- GeoJSON geometry
    spatial_key      BIGINT NOT NULL,             -- domain::spatial_key: zoom by size, and place on the Z-curve
    withdrawn_at     BIGINT,
    UNIQUE (campaign_id, tile_id),
    CHECK (west < east AND south < north),
    CHECK ((z IS NULL) = (x IS NULL) AND (z IS NULL) = (y IS NULL))
);
CREATE INDEX tiles_place ON tiles (campaign_id, spatial_key);

CREATE TABLE frames (
    tile             BIGINT NOT NULL REFERENCES tiles (id),
    scene_id         BIGINT NOT NULL REFERENCES scenes (id),
    valid_share      DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (tile, scene_id)
);

-- One narrow, hot row for each tile: all that hand-out and submit look at and lock.
CREATE TABLE queue (
    tile             BIGINT PRIMARY KEY REFERENCES tiles (id),
    campaign_id      BIGINT NOT NULL REFERENCES campaigns (id),
    state            TEXT NOT NULL CHECK (state IN ('open', 'settled', 'contested', 'reviewed', 'unusable')),
    gold             TEXT CHECK (gold IN ('practice', 'check')),
    counted          SMALLINT NOT NULL DEFAULT 0,
    leased           SMALLINT NOT NULL DEFAULT 0,
    needed           SMALLINT NOT NULL,
    maximum          SMALLINT NOT NULL,
    skips            SMALLINT NOT NULL DEFAULT 0,
    priority         SMALLINT NOT NULL DEFAULT 0,
    bucket           SMALLINT NOT NULL DEFAULT 0, -- value of the next label, then the change hint: 0 is handed out first
    first_settled_at SMALLINT,                    -- counted labels when it would first settle: a second look wants one more
    shuffle_key      BIGINT NOT NULL,
    available        BOOLEAN NOT NULL,
    closed_at        BIGINT,
    withdrawn        BOOLEAN NOT NULL DEFAULT FALSE, -- as the tile is
    lacks_pictures   BOOLEAN NOT NULL DEFAULT FALSE, -- so many of its scenes were withdrawn that nothing can be compared
    CHECK (counted >= 0 AND counted <= maximum),
    CHECK (leased >= 0 AND skips >= 0 AND needed >= 0 AND needed <= maximum),
    CHECK (NOT available OR (state = 'open' AND gold IS NULL AND counted + leased < needed)),
    CHECK (NOT available OR NOT (withdrawn OR lacks_pictures)),
    CHECK (gold IS NULL OR (counted = 0 AND state = 'reviewed')),
    CHECK ((state = 'open') = (closed_at IS NULL))
);
-- In the order in which groups are handed out, so that the first of them is the first row.
CREATE INDEX queue_ring ON queue (campaign_id, priority DESC, bucket, shuffle_key) WHERE available;
CREATE INDEX queue_state ON queue (campaign_id, state);
CREATE INDEX queue_closed ON queue (campaign_id, closed_at) WHERE closed_at IS NOT NULL AND gold IS NULL;
-- Open tiles that were begun: few, also where a million wait. A tile enters with its first label and leaves when it closes.
CREATE INDEX queue_begun ON queue (campaign_id, state) WHERE state = 'open' AND counted > 0;

-- What was taken out of view, after a legal demand or because it endangers somebody. Rows are kept when it comes back.
CREATE TABLE withdrawals (
    id               BIGINT PRIMARY KEY,
    campaign_id      BIGINT NOT NULL REFERENCES campaigns (id),
    scene_id         BIGINT REFERENCES scenes (id),
    tile             BIGINT REFERENCES tiles (id),
    reason           TEXT NOT NULL,
    created_by       BIGINT REFERENCES volunteers (id),
    created_at       BIGINT NOT NULL,
    lifted_by        BIGINT REFERENCES volunteers (id),
    lifted_at        BIGINT,
    lift_reason      TEXT NOT NULL DEFAULT '',
    CHECK ((scene_id IS NULL) <> (tile IS NULL))
);
CREATE INDEX withdrawals_campaign ON withdrawals (campaign_id, created_at);

-- Where a volunteer stands on the ring of one bucket; only moves forward, and wraps.
CREATE TABLE ring_positions (
    volunteer_id     BIGINT NOT NULL REFERENCES volunteers (id),
    campaign_id      BIGINT NOT NULL REFERENCES campaigns (id),
    priority         SMALLINT NOT NULL,
    bucket           SMALLINT NOT NULL,
    position         BIGINT NOT NULL,
    PRIMARY KEY (volunteer_id, campaign_id, priority, bucket)
);

-- What the order of a campaign's queue by change hints was made from. The scores themselves are not kept.
CREATE TABLE change_hints (
    campaign_id      BIGINT NOT NULL PRIMARY KEY REFERENCES campaigns (id),
    fingerprint      TEXT NOT NULL,
    computed_at      BIGINT NOT NULL
);

-- Labels ----------------------------------------------------------------------------------------------------------

CREATE TABLE leases (
    id               BIGINT PRIMARY KEY,
    tile             BIGINT NOT NULL REFERENCES tiles (id),
    campaign_id      BIGINT NOT NULL REFERENCES campaigns (id),
    volunteer_id     BIGINT NOT NULL REFERENCES volunteers (id),
    granted_at       BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL,
    ended_at         BIGINT,
    outcome          TEXT CHECK (outcome IN ('labelled', 'released', 'skipped', 'expired')),
    CHECK ((ended_at IS NULL) = (outcome IS NULL))
);
CREATE UNIQUE INDEX leases_one_open ON leases (tile, volunteer_id) WHERE ended_at IS NULL;
CREATE INDEX leases_mine ON leases (volunteer_id, campaign_id) WHERE ended_at IS NULL;
CREATE INDEX leases_expiry ON leases (campaign_id, expires_at) WHERE ended_at IS NULL;
CREATE INDEX leases_tile ON leases (tile, volunteer_id, ended_at);
CREATE INDEX leases_skipped ON leases (volunteer_id, campaign_id, ended_at) WHERE outcome = 'skipped';

-- The log: one row for every answer ever accepted. Rows are added, never changed.
CREATE TABLE labels (
    id               BYTEA NOT NULL PRIMARY KEY,   -- the client's UUID
    body_hash        BYTEA NOT NULL,               -- SHA-256 of what was sent: the same id with another body is refused
    tile             BIGINT NOT NULL REFERENCES tiles (id),
    campaign_id      BIGINT NOT NULL REFERENCES campaigns (id),
    volunteer_id     BIGINT NOT NULL REFERENCES volunteers (id),
    lease_id         BIGINT NOT NULL,             -- leases are forgotten after 30 days, labels never
    revision         SMALLINT NOT NULL CHECK (revision >= 1),
    answer           SMALLINT NOT NULL CHECK (answer >= 0),
    window_given     BOOLEAN NOT NULL DEFAULT FALSE,
    last_intact      BIGINT REFERENCES scenes (id),
    first_damaged    BIGINT REFERENCES scenes (id),
    seconds          DOUBLE PRECISION,
    client           TEXT,
    client_at        BIGINT,
    leased_at        BIGINT NOT NULL,
    received_at      BIGINT NOT NULL,
    status           TEXT NOT NULL CHECK (status IN ('stored', 'revised', 'surplus')),
    tile_state       TEXT NOT NULL,               -- as the author was told; a repeat reads the same
    last_scene       BIGINT REFERENCES scenes (id), -- timelines: the last scene that its author was shown of the tile
    UNIQUE (tile, volunteer_id, revision),
    CHECK (window_given OR (last_intact IS NULL AND first_damaged IS NULL))
);
-- With all that figures over time and of volunteers are made of, so that they are counted without a look at the log
-- itself. New entries stand at its end, so the further columns cost a label next to nothing.
CREATE INDEX labels_time ON labels (campaign_id, received_at, revision, volunteer_id, seconds);

-- The newest accepted answer of each volunteer for each tile.
CREATE TABLE current_labels (
    tile             BIGINT NOT NULL REFERENCES tiles (id),
    volunteer_id     BIGINT NOT NULL REFERENCES volunteers (id),
    campaign_id      BIGINT NOT NULL REFERENCES campaigns (id),
    -- The log entry comes first. Checked at once: where the commit checks, SQLite searches this whole table for each entry.
    label_id         BYTEA NOT NULL REFERENCES labels (id),
    answer           SMALLINT NOT NULL CHECK (answer >= 0),
    window_given     BOOLEAN NOT NULL DEFAULT FALSE,
    last_intact      BIGINT,
    first_damaged    BIGINT,
    counted          BOOLEAN NOT NULL,
    excluded         BOOLEAN NOT NULL DEFAULT FALSE,
    first_received_at BIGINT NOT NULL,            -- of the first revision: the order in which free places are filled
    -- Given before a later scene of its tile was there, about which it says nothing: what it was until then. It counts for
    -- no class; a window of one that counted still does.
    censored         TEXT CHECK (censored IN ('counted', 'surplus')),
    CHECK (censored IS NULL OR NOT counted),
    PRIMARY KEY (tile, volunteer_id)
);
CREATE INDEX current_labels_volunteer ON current_labels (volunteer_id, campaign_id);
-- With the answer, so that everybody's are compared with the tiles' classes in one pass over it.
CREATE INDEX current_labels_campaign ON current_labels (campaign_id, tile, volunteer_id, answer, censored);
CREATE INDEX current_labels_excluded ON current_labels (campaign_id, tile) WHERE excluded;
CREATE INDEX current_labels_censored ON current_labels (campaign_id, tile) WHERE censored IS NOT NULL;

-- How a tile stood before the first label on it was set aside by an exclusion: so that lifting it restores the tile exactly.
CREATE TABLE before_exclusion (
    tile             BIGINT PRIMARY KEY REFERENCES tiles (id),
    campaign_id      BIGINT NOT NULL REFERENCES campaigns (id),
    state            TEXT NOT NULL CHECK (state IN ('open', 'settled', 'contested', 'reviewed', 'unusable')),
    needed           SMALLINT NOT NULL,
    first_settled_at SMALLINT,
    closed_at        BIGINT,
    labels           TEXT NOT NULL                -- JSON: of each current label its author, its id and whether it counted
);

CREATE TABLE notes (
    id               BYTEA NOT NULL PRIMARY KEY,
    tile             BIGINT NOT NULL REFERENCES tiles (id),
    campaign_id      BIGINT NOT NULL REFERENCES campaigns (id),
    volunteer_id     BIGINT NOT NULL REFERENCES volunteers (id),
    label_id         BYTEA REFERENCES labels (id),
    flagged          BOOLEAN NOT NULL DEFAULT FALSE, -- asks for the coordinator's attention
    text             TEXT NOT NULL,
    created_at       BIGINT NOT NULL,
    resolved_by      BIGINT REFERENCES volunteers (id),
    resolved_at      BIGINT
);
CREATE INDEX notes_tile ON notes (tile);
CREATE INDEX notes_volunteer ON notes (volunteer_id);
CREATE INDEX notes_campaign ON notes (campaign_id, created_at);
CREATE INDEX notes_open ON notes (campaign_id, created_at) WHERE flagged AND resolved_at IS NULL;

-- Consensus -------------------------------------------------------------------------------------------------------

CREATE TABLE gold (
    tile             BIGINT PRIMARY KEY REFERENCES tiles (id),
    campaign_id      BIGINT NOT NULL REFERENCES campaigns (id),
    kind             TEXT NOT NULL CHECK (kind IN ('practice', 'check')),
    answer           SMALLINT NOT NULL CHECK (answer >= 0),
    last_intact      BIGINT REFERENCES scenes (id),
    first_damaged    BIGINT REFERENCES scenes (id),
    explanation      TEXT NOT NULL DEFAULT '',
    uses             INTEGER NOT NULL DEFAULT 0 CHECK (uses >= 0),
    worn_out_at      BIGINT,
    created_by       BIGINT REFERENCES volunteers (id),
    created_at       BIGINT NOT NULL
);
CREATE INDEX gold_to_serve ON gold (campaign_id, kind, uses) WHERE worn_out_at IS NULL;

-- Why a gold answer is right, in languages other than the campaign's own, which stands in the row itself.
CREATE TABLE gold_texts (
    tile             BIGINT NOT NULL REFERENCES gold (tile),
    language         TEXT NOT NULL,
    explanation      TEXT NOT NULL,               -- Markdown
    PRIMARY KEY (tile, language)
);

-- The first answer of each volunteer for each practice tile of the round under way. Measures nobody.
CREATE TABLE practice_answers (
    tile             BIGINT NOT NULL REFERENCES tiles (id),
    volunteer_id     BIGINT NOT NULL REFERENCES volunteers (id),
    campaign_id      BIGINT NOT NULL REFERENCES campaigns (id),
    answer           SMALLINT NOT NULL CHECK (answer >= 0),
    correct          BOOLEAN NOT NULL,
    answered_at      BIGINT NOT NULL,
    PRIMARY KEY (tile, volunteer_id)
);
CREATE INDEX practice_answers_volunteer ON practice_answers (volunteer_id, campaign_id);

-- The outcome of each refit; never changed once it is made. Model 0 (all weights 1) has no row.
CREATE TABLE models (
    campaign_id      BIGINT NOT NULL REFERENCES campaigns (id),
    number           INTEGER NOT NULL CHECK (number >= 1),
    method           TEXT NOT NULL,
    method_version   TEXT NOT NULL,
    tables           BYTEA NOT NULL,               -- consensus::Model::to_bytes, without the skills
    window_tables    BYTEA,                   -- consensus::window::WindowModel::to_bytes; NULL: no window was given
    labels           BIGINT NOT NULL,
    gold_tiles       INTEGER NOT NULL,
    identifiable     BOOLEAN NOT NULL,
    labels_until     BIGINT NOT NULL,             -- labels received up to this time took part
    fitted_at        BIGINT NOT NULL,
    PRIMARY KEY (campaign_id, number)
);

CREATE TABLE skills (
    campaign_id      BIGINT NOT NULL REFERENCES campaigns (id),
    model            INTEGER NOT NULL,
    volunteer_id     BIGINT NOT NULL REFERENCES volunteers (id),
    weight           DOUBLE PRECISION NOT NULL CHECK (weight >= 0),
    accuracy         DOUBLE PRECISION NOT NULL,
    labels           INTEGER NOT NULL,
    gold_labels      INTEGER NOT NULL,
    gold_correct     INTEGER NOT NULL,
    tables           BYTEA NOT NULL,               -- consensus::Skill::to_bytes
    window_wrong     DOUBLE PRECISION,            -- chance of a wrong date window; NULL: none was given
    window_late      DOUBLE PRECISION,            -- share of wrong windows that are too late
    quarantine       TEXT,                        -- the reason; NULL: none
    PRIMARY KEY (campaign_id, model, volunteer_id),
    FOREIGN KEY (campaign_id, model) REFERENCES models (campaign_id, number)
);

CREATE TABLE consensus (
    tile             BIGINT PRIMARY KEY REFERENCES tiles (id),
    campaign_id      BIGINT NOT NULL REFERENCES campaigns (id),
    model            INTEGER NOT NULL,
    method           TEXT NOT NULL,
    method_version   TEXT NOT NULL,
    class            SMALLINT,
    probability      DOUBLE PRECISION,
    probabilities    TEXT NOT NULL,               -- JSON list, one number for each class
    labels           SMALLINT NOT NULL CHECK (labels >= 0),
    answers          TEXT NOT NULL,               -- JSON list, counted labels for each answer
    agreement        DOUBLE PRECISION,
    entropy          DOUBLE PRECISION NOT NULL,
    evidence         DOUBLE PRECISION NOT NULL,
    effective_redundancy DOUBLE PRECISION NOT NULL,
    unusable_share   DOUBLE PRECISION NOT NULL,
    date_before      BIGINT REFERENCES scenes (id),
    date_after       BIGINT REFERENCES scenes (id),
    window_probability DOUBLE PRECISION,
    window_probabilities TEXT,                    -- JSON list, one number for each interval
    closed_reason    TEXT,
    changed_at       BIGINT NOT NULL
);
CREATE INDEX consensus_model ON consensus (campaign_id, model);
-- Tiles whose imagery many called unusable, though not enough to close them: reviewers are shown them.
CREATE INDEX consensus_doubtful ON consensus (campaign_id) WHERE unusable_share >= 0.4;

-- What reviewers decided. Rows are added and keep what they say; a reviewer's later decision for a tile takes the place of
-- the earlier one, and one that its author took back stays with that mark. The opinion that more reviewers hold than any other is in force.
CREATE TABLE reviews (
    id               BYTEA NOT NULL PRIMARY KEY,  -- the client's UUID
    body_hash        BYTEA NOT NULL,              -- SHA-256 of what was sent: the same id with another body is refused
    tile             BIGINT NOT NULL REFERENCES tiles (id),
    campaign_id      BIGINT NOT NULL REFERENCES campaigns (id),
    reviewer_id      BIGINT NOT NULL REFERENCES volunteers (id),
    answer           SMALLINT NOT NULL CHECK (answer >= 0),
    last_intact      BIGINT REFERENCES scenes (id),
    first_damaged    BIGINT REFERENCES scenes (id),
    note             TEXT NOT NULL DEFAULT '',
    decided_at       BIGINT NOT NULL,
    is_current       BOOLEAN NOT NULL,            -- the reviewer's newest decision for the tile as it is shown now
    in_force         BOOLEAN NOT NULL,
    withdrawn_at     BIGINT,                      -- when its author took it back
    CHECK (is_current OR NOT in_force),
    CHECK (withdrawn_at IS NULL OR NOT is_current)
);
CREATE INDEX reviews_tile ON reviews (tile);
CREATE INDEX reviews_campaign ON reviews (campaign_id, decided_at);
CREATE INDEX reviews_reviewer ON reviews (reviewer_id);
CREATE UNIQUE INDEX reviews_one_of_each ON reviews (tile, reviewer_id) WHERE is_current;
CREATE UNIQUE INDEX reviews_one_in_force ON reviews (tile) WHERE in_force;

-- Which tile a reviewer has before them, for some minutes, so that two seldom do the same one.
CREATE TABLE review_holds (
    tile             BIGINT PRIMARY KEY REFERENCES tiles (id),
    campaign_id      BIGINT NOT NULL REFERENCES campaigns (id),
    reviewer_id      BIGINT NOT NULL REFERENCES volunteers (id),
    expires_at       BIGINT NOT NULL
);
CREATE INDEX review_holds_campaign ON review_holds (campaign_id);

-- Work in the background, releases, and who did what --------------------------------------------------------------

CREATE TABLE jobs (
    id               BIGINT PRIMARY KEY,
    campaign_id      BIGINT REFERENCES campaigns (id),
    kind             TEXT NOT NULL,
    input            TEXT NOT NULL,               -- JSON
    state            TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
    units_done       BIGINT NOT NULL DEFAULT 0 CHECK (units_done >= 0),
    units_total      BIGINT NOT NULL DEFAULT 0 CHECK (units_total >= 0),
    message          TEXT NOT NULL DEFAULT '',
    report           TEXT NOT NULL DEFAULT '',    -- lines
    attempts         INTEGER NOT NULL DEFAULT 0,
    holder           TEXT,                        -- the run that works on it
    cancel_asked     BOOLEAN NOT NULL DEFAULT FALSE,
    created_by       BIGINT REFERENCES volunteers (id),
    created_at       BIGINT NOT NULL,
    started_at       BIGINT,
    heartbeat_at     BIGINT,
    finished_at      BIGINT
);
CREATE INDEX jobs_state ON jobs (state, created_at);
CREATE INDEX jobs_campaign ON jobs (campaign_id, created_at);

CREATE TABLE uploads (
    id               BIGINT PRIMARY KEY,
    campaign_id      BIGINT NOT NULL REFERENCES campaigns (id),
    volunteer_id     BIGINT NOT NULL REFERENCES volunteers (id),
    file_name        TEXT NOT NULL,
    bytes_total      BIGINT NOT NULL CHECK (bytes_total > 0),
    bytes_received   BIGINT NOT NULL CHECK (bytes_received >= 0 AND bytes_received <= bytes_total),
    sha256           TEXT,
    state            TEXT NOT NULL CHECK (state IN ('receiving', 'complete')),
    created_at       BIGINT NOT NULL,
    changed_at       BIGINT NOT NULL,
    CHECK (state = 'receiving' OR bytes_received = bytes_total)
);
CREATE INDEX uploads_campaign ON uploads (campaign_id, created_at);

CREATE TABLE releases (
    id               BIGINT PRIMARY KEY,
    campaign_id      BIGINT NOT NULL REFERENCES campaigns (id),
    version          INTEGER NOT NULL CHECK (version >= 1),
    level            TEXT NOT NULL CHECK (level IN ('public', 'coarsened', 'private')),
    model            INTEGER NOT NULL,
    manifest         TEXT NOT NULL,               -- JSON: files, rows, SHA-256
    citation         TEXT NOT NULL,
    changes          TEXT NOT NULL,               -- JSON: what changed since the release before
    notes            TEXT NOT NULL DEFAULT '',    -- what its maker has to say about it
    created_by       BIGINT REFERENCES volunteers (id),
    as_of            BIGINT NOT NULL,
    UNIQUE (campaign_id, version)
);

-- What everybody sees of a coarsened campaign, frozen with each release. Cells of one release never lie inside each other.
CREATE TABLE coarse_cells (
    release_id       BIGINT NOT NULL REFERENCES releases (id),
    z                SMALLINT NOT NULL,
    x                INTEGER NOT NULL,
    y                INTEGER NOT NULL,
    tiles            BIGINT NOT NULL,
    closed           BIGINT NOT NULL CHECK (closed >= 0 AND closed <= tiles),
    labels           BIGINT NOT NULL CHECK (labels >= 5), -- only their band is shown
    classes          TEXT NOT NULL,               -- JSON list: closed tiles of each class
    PRIMARY KEY (release_id, z, x, y)
);

-- Validation: tiles drawn at random, graded blind by two people, by a third where these differ.
CREATE TABLE samples (
    id               BIGINT PRIMARY KEY,
    campaign_id      BIGINT NOT NULL REFERENCES campaigns (id),
    number           INTEGER NOT NULL CHECK (number >= 1),
    settings         TEXT NOT NULL,               -- JSON of domain::validation::Settings
    strata           TEXT NOT NULL,               -- JSON list of domain::validation::Stratum
    left_out         TEXT NOT NULL,               -- JSON of domain::validation::LeftOut
    tile_area_m2     DOUBLE PRECISION,            -- mean area of a tile; NULL: footprints
    model            INTEGER NOT NULL,            -- that formed the map from which it was drawn
    created_by       BIGINT REFERENCES volunteers (id),
    drawn_at         BIGINT NOT NULL,
    UNIQUE (campaign_id, number)
);

CREATE TABLE sample_tiles (
    sample_id        BIGINT NOT NULL REFERENCES samples (id),
    tile             BIGINT NOT NULL REFERENCES tiles (id),
    place            INTEGER NOT NULL,            -- its turn to be graded
    stratum          SMALLINT NOT NULL,           -- place in the list of strata
    class            SMALLINT NOT NULL,           -- of the map when it was drawn
    PRIMARY KEY (sample_id, tile)
);

CREATE TABLE grades (
    sample_id        BIGINT NOT NULL,
    tile             BIGINT NOT NULL,
    volunteer_id     BIGINT NOT NULL REFERENCES volunteers (id),
    turn             SMALLINT CHECK (turn BETWEEN 1 AND 3), -- NULL: came when the tile was decided; kept, not used
    answer           SMALLINT NOT NULL CHECK (answer >= 0),
    seconds          DOUBLE PRECISION,
    graded_at        BIGINT NOT NULL,
    PRIMARY KEY (sample_id, tile, volunteer_id),
    UNIQUE (sample_id, tile, turn),
    FOREIGN KEY (sample_id, tile) REFERENCES sample_tiles (sample_id, tile)
);
CREATE INDEX grades_volunteer ON grades (volunteer_id);

-- What those who run a campaign tell the people in it, on the page alone: to everybody, or to some.
CREATE TABLE announcements (
    id               BIGINT PRIMARY KEY,
    campaign_id      BIGINT NOT NULL REFERENCES campaigns (id),
    level            TEXT NOT NULL CHECK (level IN ('info', 'warning', 'urgent')),
    texts            TEXT NOT NULL,               -- JSON: text by language, Markdown
    to_everybody     BOOLEAN NOT NULL,
    shown_from       BIGINT NOT NULL,
    shown_until      BIGINT,
    created_by       BIGINT NOT NULL REFERENCES volunteers (id),
    created_at       BIGINT NOT NULL,
    withdrawn_at     BIGINT
);
CREATE INDEX announcements_campaign ON announcements (campaign_id, shown_from);

-- To whom a message goes that is not for everybody, and who put a message away.
CREATE TABLE announcement_readers (
    announcement_id  BIGINT NOT NULL REFERENCES announcements (id),
    volunteer_id     BIGINT NOT NULL REFERENCES volunteers (id),
    read_at          BIGINT,
    PRIMARY KEY (announcement_id, volunteer_id)
);
CREATE INDEX announcement_readers_volunteer ON announcement_readers (volunteer_id);

CREATE TABLE audit_log (
    id               BIGINT PRIMARY KEY,
    at               BIGINT NOT NULL,
    actor_id         BIGINT REFERENCES volunteers (id), -- NULL: the operator, at the command line
    campaign_id      BIGINT,                      -- no reference: what was noted of a deleted draft stays noted
    act              TEXT NOT NULL,
    subject          TEXT NOT NULL,
    reason           TEXT NOT NULL DEFAULT '',
    detail           TEXT NOT NULL DEFAULT '{}'   -- JSON
);
CREATE INDEX audit_log_campaign ON audit_log (campaign_id, at);
-- Whatever the code above forgets: what was noted stays noted.
CREATE FUNCTION audit_log_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the audit log is only ever added to'; END $$;
CREATE TRIGGER audit_log_never_changes BEFORE UPDATE OR DELETE ON audit_log
FOR EACH ROW EXECUTE FUNCTION audit_log_is_kept();

-- Work that one process does at a time, on whatever machine: who holds it, and until when.
CREATE TABLE locks (
    name             TEXT NOT NULL PRIMARY KEY,
    holder           TEXT NOT NULL,
    expires_at       BIGINT NOT NULL
);

-- Backups that were finished, so that every server can tell when the last one was made.
CREATE TABLE backups (
    id               BIGINT PRIMARY KEY,
    made_at          BIGINT NOT NULL,             -- the moment whose state it holds
    finished_at      BIGINT NOT NULL,
    bytes            BIGINT NOT NULL CHECK (bytes >= 0)
);
CREATE INDEX backups_made ON backups (made_at);
