CREATE TABLE orders (
  id            BIGINT AUTO_INCREMENT PRIMARY KEY,
  order_no      BIGINT NOT NULL,
  user_id       BIGINT NOT NULL,
  cents         BIGINT NOT NULL,
  -- Where the row came from. Added for tracing; the writer doesn't fill them yet.
  src_partition INT    NULL,
  src_offset    BIGINT NULL,
  UNIQUE KEY src (src_partition, src_offset)
)
