-- fails: pages-wrong
-- "Whole seconds make the index smaller." They also round the time of every
-- order, so that orders of one second change places on the page.
ALTER TABLE orders MODIFY create_time DATETIME NOT NULL, ADD INDEX user_recent (user_id, create_time);
