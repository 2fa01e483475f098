-- What the hotline's service sends. It puts the caller's number, digits only, in
-- place of :phone.
SELECT id, name FROM customers WHERE phone = :phone;
