-- Whether the interval of a source is taken as written; else it follows the posts.
alter table base.sources add column is_fixed boolean;
