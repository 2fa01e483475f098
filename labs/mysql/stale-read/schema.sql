CREATE TABLE orders (
  id      BIGINT AUTO_INCREMENT PRIMARY KEY,
  user_id BIGINT NOT NULL,
  item    VARCHAR(40) NOT NULL,
  status  ENUM('new', 'cancelled') NOT NULL DEFAULT 'new',
  KEY user (user_id)
)
