-- The facts beneath the public names. Views and macros over them stand in ../macros.
-- All times are UTC. Rows are appended; `superseded_at` ends a row that a later one replaces.
-- No primary keys: the only writer keeps ids unique (see writer.py for the reason).

create schema base;

create table base.schema_version (version integer, macros varchar, applied_at timestamp);

-- What is watched. Filled from the configuration, from `watch` and from feeds.

create table companies (
    company_id varchar, name varchar, aliases varchar[], exclude varchar[],
    state varchar, recorded_at timestamp
);
create table actors (actor_id varchar, name varchar, state varchar, recorded_at timestamp);
create table actor_roles (actor_id varchar, company_id varchar, role varchar);
create table base.accounts (account varchar, company_id varchar, actor_id varchar);
create table events (
    event_id varchar, company_id varchar, kind varchar, title varchar, announced_at timestamp,
    window_before interval, window_after interval, amount double, valuation double,
    currency varchar, origin varchar, state varchar, terms varchar[], recorded_at timestamp
);
create table event_notes (event_id varchar, noted_at timestamp, text varchar, recorded_at timestamp);
create table base.announcements (
    event_id varchar, url varchar, network varchar, post_key bigint, post_id varchar,
    recorded_at timestamp, superseded_at timestamp
);

-- What is polled, and every poll.

create table base.sources (
    source_id varchar, network varchar, kind varchar, target varchar, origin varchar,
    state varchar, interval_seconds double, next_at timestamp, queries varchar[], root_id varchar,
    companies varchar[], events varchar[], created_at timestamp
);
-- What a collector wants to find again: validators, cursors. Small JSON, replaced.
create table base.cursors (source_id varchar, state json, validators json);
create table base.polls (
    poll_id bigint, source_id varchar, started_at timestamp, finished_at timestamp,
    outcome varchar, http_status integer, requests integer, bytes bigint, posts_seen integer,
    posts_new integer, error varchar,
    observed_from timestamp, -- the poll saw what was posted in [observed_from, started_at]
    recorded_at timestamp
);
-- The last answer of each source that did not fit its format.
create table base.payloads (
    source_id varchar, poll_id bigint, url varchar, payload blob, recorded_at timestamp
);

-- Posts. Every id that was ever named has a key, also of posts that nobody has shown us yet.

-- `is_alias`: another name of a post whose own id is another row with the same key.
create table base.ids (post_id varchar, post_key bigint, is_alias boolean);
create table base.posts (
    post_key bigint, post_id varchar, network varchar, url varchar, author_id varchar,
    author_handle varchar, author_name varchar, author_followers bigint, title varchar,
    text varchar, created_at timestamp, claimed_at timestamp, clock varchar,
    first_seen_at timestamp, edited_at timestamp, deleted_at timestamp, state varchar,
    reply_to_id varchar, root_id varchar, quoted_id varchar, language varchar,
    language_confidence double, source_id varchar,
    reply_to_key bigint, root_key bigint, quoted_key bigint, is_article boolean,
    language_tag varchar,
    content_source varchar, -- who may change the content: the first source, or one of the network
    content_hash bigint, version integer, recorded_at timestamp
);
create table base.versions (
    post_key bigint, version integer, recorded_at timestamp, author_name varchar,
    author_followers bigint, title varchar, text varchar, edited_at timestamp, state varchar
);
create table base.links (post_key bigint, url_hash bigint);
create table base.sightings (
    post_key bigint, source_id varchar, first_at timestamp, last_at timestamp
);

-- Numbers that sources show, kept when they change.

create table base.engagement (
    post_key bigint, source_id varchar, observed_at timestamp, likes bigint, reposts bigint,
    replies bigint, quotes bigint, views bigint, recorded_at timestamp
);
create table base.engagement_last (
    post_key bigint, source_id varchar, observed_at timestamp, likes bigint, reposts bigint,
    replies bigint, quotes bigint, views bigint
);
create table base.claims (
    post_key bigint, source_id varchar, observed_at timestamp, claimed bigint, scope varchar,
    recorded_at timestamp
);

-- What was not seen.

create table base.gaps (
    gap_id bigint, source_id varchar, event_id varchar, post_key bigint, concerns varchar,
    started_at timestamp, ended_at timestamp, reason varchar, missing bigint,
    filled_at timestamp, recorded_at timestamp,
    is_stated boolean -- a source says so itself; else derived from its polls
);

-- How posts belong to companies and events.

create table base.mentions (
    company_id varchar, post_key bigint, recorded_at timestamp, superseded_at timestamp
);
create table base.reactions (
    event_id varchar, post_key bigint, relation varchar, depth integer, recorded_at timestamp,
    superseded_at timestamp
);
create table base.exclusions (
    event_id varchar, post_key bigint, excluded_by varchar, recorded_at timestamp,
    superseded_at timestamp
);

-- What later analyses fill.

create table base.sentiment (
    post_key bigint, model varchar, score double, label varchar, positive double,
    neutral double, negative double, scored_at timestamp, recorded_at timestamp
);
create table base.citations (
    post_key bigint, press_post_key bigint, how varchar, recorded_at timestamp
);
create table responses (
    event_id varchar, to_post_id varchar, actor_id varchar, post_id varchar, place varchar,
    seconds double, detection_seconds double, censored_at timestamp
);
create table base.labels (
    event_id varchar, post_key bigint, label varchar, relevant boolean, labelled_by varchar,
    labelled_at timestamp, recorded_at timestamp
);
create table forgotten (kind varchar, id varchar, forgotten_at timestamp);
