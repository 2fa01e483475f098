SELECT id, name FROM customers WHERE phone_number = :phone;
