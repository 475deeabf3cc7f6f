"""VPUFormer: interactive image segmentation with clicks, boxes and scribbles."""
