CREATE TABLE carts (
  id      BIGINT AUTO_INCREMENT PRIMARY KEY,
  user_id BIGINT NOT NULL,
  state   VARCHAR(10) NOT NULL,  -- open, abandoned, ordered
  touched DATETIME(3) NOT NULL   -- when somebody last put something into it
);
CREATE TABLE cart_lines (
  cart_id    BIGINT NOT NULL,
  product_id BIGINT NOT NULL,
  quantity   INT NOT NULL,
  PRIMARY KEY (cart_id, product_id)
);
-- A mailer sends these, and deletes nothing.
CREATE TABLE reminders (
  cart_id BIGINT NOT NULL,
  touched DATETIME(3) NOT NULL,  -- the cart's, when it was found abandoned
  user_id BIGINT NOT NULL,
  PRIMARY KEY (cart_id, touched)
);
