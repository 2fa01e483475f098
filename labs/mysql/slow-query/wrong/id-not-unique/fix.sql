-- fails: promises-broken
-- Sorted by user and found by id, both cheap. But nothing keeps an id from
-- coming twice any more: an order that is sent again is placed again.
ALTER TABLE orders
  DROP PRIMARY KEY,
  ADD PRIMARY KEY (user_id, create_time, id),
  ADD INDEX id (id),
  ALGORITHM=INPLACE, LOCK=NONE;
