package playground

import "os"

// windowChanges never tells: Windows has no signal for it.
func windowChanges() (<-chan os.Signal, func()) { return nil, func() {} }
