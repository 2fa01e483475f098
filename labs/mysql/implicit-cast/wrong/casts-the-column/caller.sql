-- fails: caller-rows
-- Said aloud instead of silently, it is the same: 200,000 texts are made numbers.
SELECT id, name FROM customers WHERE CAST(phone AS UNSIGNED) = :phone;
