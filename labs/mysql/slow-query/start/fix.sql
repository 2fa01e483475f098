-- What was tried at 10:20. The page is as slow as before.
ANALYZE TABLE orders;
