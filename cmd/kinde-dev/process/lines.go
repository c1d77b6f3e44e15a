package process

import "bytes"

// maxLine is the length above which a line is cut, in bytes.
const maxLine = 64 << 10

// Lines is a writer that hands on each line once it has ended, without its end. The line
// is valid during the call.
func Lines(each func(line []byte)) *LineWriter { return &LineWriter{each: each} }

// LineWriter is what [Lines] returns.
type LineWriter struct {
	each    func(line []byte)
	partial []byte // of the last line, which has not ended yet
}

// Write implements [io.Writer].
func (w *LineWriter) Write(p []byte) (int, error) {
	w.partial = append(w.partial, p...)
	for {
		line, rest, ended := bytes.Cut(w.partial, []byte{'\n'})
		if !ended {
			break
		}
		w.each(line)
		w.partial = rest
	}
	w.partial = w.partial[:min(len(w.partial), maxLine)]
	return len(p), nil
}
