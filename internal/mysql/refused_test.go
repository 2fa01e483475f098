package mysql

import (
	"errors"
	"fmt"
	"testing"

	driver "github.com/go-sql-driver/mysql"
)

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{errors.New("broken pipe"), false},
		{fmt.Errorf("read: %w", &driver.MySQLError{Number: 1146, Message: "no such table"}), true},
		{&driver.MySQLError{Number: 1053, Message: "Server shutdown in progress"}, false},
	} {
		if got := Refused(c.err); got != c.want {
			t.Errorf("Refused(%v) = %t", c.err, got)
		}
	}
}
