CREATE TABLE queue (
  id      BIGINT PRIMARY KEY,    -- the number of the order: the oldest goes first
  city    INT NOT NULL,
  cents   INT NOT NULL,
  address VARCHAR(600) NOT NULL  -- and what is to be brought there
);
CREATE TABLE deliveries (
  id      BIGINT AUTO_INCREMENT PRIMARY KEY,
  city    INT NOT NULL,
  courier INT NOT NULL,
  cents   INT NOT NULL
);
CREATE TABLE couriers (
  id     INT PRIMARY KEY,
  name   VARCHAR(60) NOT NULL,
  orders INT NOT NULL,           -- delivered so far
  cents  BIGINT NOT NULL         -- cash on them: their change, and what they were paid
);
