-- fails: lookup-reads
-- Sorting the table by user and time makes the page cheap. But the primary key
-- was also what finds one order by its id, and keeps an id from coming twice.
ALTER TABLE orders
  DROP PRIMARY KEY,
  ADD PRIMARY KEY (user_id, create_time, id),
  ALGORITHM=INPLACE, LOCK=NONE;
