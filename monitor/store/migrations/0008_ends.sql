-- When the end of a gap became known: a feed that answers again may show what is before that.
alter table base.gaps add column end_recorded_at timestamp;
