-- fails: promises-broken
-- shows: orders is MyISAM's
-- "It counts quicker." It knows how many rows it has, not how many a day has.
ALTER TABLE orders ENGINE = MyISAM;
