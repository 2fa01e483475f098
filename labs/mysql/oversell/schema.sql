CREATE TABLE products (
  id    BIGINT PRIMARY KEY,
  name  VARCHAR(60) NOT NULL,
  stock INT NOT NULL  -- pieces that are left to sell
);
CREATE TABLE orders (
  id         BIGINT AUTO_INCREMENT PRIMARY KEY,
  user_id    BIGINT NOT NULL,
  product_id BIGINT NOT NULL,
  quantity   INT NOT NULL,
  -- The app's name for the purchase, the same at each try. The till doesn't fill it yet.
  request_id VARCHAR(40) NULL,
  UNIQUE KEY request (request_id)
);
