-- The table itself is sorted by user and time, so a page is a few neighbouring
-- database pages instead of 100 scattered ones. Orders are then inserted all
-- over the table, and an order is found by its id through a second index.
ALTER TABLE orders
  DROP PRIMARY KEY,
  ADD PRIMARY KEY (user_id, create_time, id),
  ADD UNIQUE KEY by_id (id),
  ALGORITHM=INPLACE, LOCK=NONE;
