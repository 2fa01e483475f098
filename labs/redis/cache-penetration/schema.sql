CREATE TABLE products (
  id    BIGINT PRIMARY KEY,  -- the supplier's own number, nine digits
  name  VARCHAR(80) NOT NULL,
  cents INT NOT NULL
);
