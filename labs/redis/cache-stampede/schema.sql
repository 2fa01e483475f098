CREATE TABLE products (
  sku   VARCHAR(20) PRIMARY KEY,
  name  VARCHAR(60) NOT NULL,
  price INT NOT NULL  -- cents
);
CREATE TABLE reviews (
  id    BIGINT AUTO_INCREMENT PRIMARY KEY,
  sku   VARCHAR(20) NOT NULL,
  stars TINYINT NOT NULL,
  KEY sku (sku)
);
