-- Which content of a post was looked at, with which content of the post that it answers, by which
-- engine and model: also where that gave neither a language nor a score. What has no such row waits.

create table base.scored (
    post_key bigint, engine varchar, model varchar, version integer, parent_version integer
);

-- NULL beside a language: an import stated it.
alter table base.posts add column language_engine varchar;

-- What the engine read in this content; as of a moment, the content of then counts.
alter table base.versions add column language varchar;
alter table base.versions add column language_confidence double;
