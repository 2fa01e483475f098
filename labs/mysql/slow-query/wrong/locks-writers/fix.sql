-- fails: writers-blocked
-- The right index, built by copying the table: old recipes say ALGORITHM=COPY,
-- and some changes still fall back to it. Nobody can place an order meanwhile.
ALTER TABLE orders ADD INDEX user_recent (user_id, create_time), ALGORITHM=COPY;
