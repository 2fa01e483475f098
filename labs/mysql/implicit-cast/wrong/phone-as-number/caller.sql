SELECT id, name FROM customers WHERE phone = :phone;
