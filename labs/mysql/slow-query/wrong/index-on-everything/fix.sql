-- fails: new-indexes
-- shows: orders.PRIMARY (id)
-- One of them will be the right one. All of them are written with every order.
ALTER TABLE orders
  ADD INDEX (user_id),
  ADD INDEX (create_time),
  ADD INDEX (status),
  ADD INDEX (user_id, create_time),
  ADD INDEX (user_id, status),
  ALGORITHM=INPLACE, LOCK=NONE;
