-- True where a post's row stands among its neighbours in time; a row that is written is not, yet.
alter table base.posts add column is_sorted boolean;
