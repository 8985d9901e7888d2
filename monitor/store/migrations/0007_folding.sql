-- How many polls a row stands for, where it stands for more than one.
alter table base.polls add column folded integer;
