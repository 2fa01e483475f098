package blocking

import (
	"testing"

	"faultlab/internal/labtest"
)

func TestLab(t *testing.T) { labtest.Run(t, Lab) }
