package metal

import "github.com/metalnb/metalnb/metalcore/backend/metal/objc"

// The methods that are called. Those made by Newer came after macOS 13.
var (
	newObject = objc.Declare("NSObject", "+new", "@")

	deviceName          = objc.Declare("MTLDevice", "-name", "@")
	maxBufferLength     = objc.Declare("MTLDevice", "-maxBufferLength", "Q")
	workingSet          = objc.Declare("MTLDevice", "-recommendedMaxWorkingSetSize", "Q")
	maxThreadgroupBytes = objc.Declare("MTLDevice", "-maxThreadgroupMemoryLength", "Q")
	supportsFamily      = objc.Declare("MTLDevice", "-supportsFamily:", "Bq")
	newCommandQueue     = objc.Declare("MTLDevice", "-newCommandQueue", "@")
	newBuffer           = objc.Declare("MTLDevice", "-newBufferWithLength:options:", "@QQ")
	newBufferNoCopy     = objc.Declare("MTLDevice", "-newBufferWithBytesNoCopy:length:options:deallocator:", "@^vQQ@?")
	newLibrary          = objc.Declare("MTLDevice", "-newLibraryWithSource:options:error:", "@@@^@")
	newPipeline         = objc.Declare("MTLDevice", "-newComputePipelineStateWithDescriptor:options:reflection:error:", "@@Q^@^@")
	newArchive          = objc.Declare("MTLDevice", "-newBinaryArchiveWithDescriptor:error:", "@@^@")
	newResidencySet     = objc.Newer("MTLDevice", "-newResidencySetWithDescriptor:error:", "@@^@")

	contents = objc.Declare("MTLBuffer", "-contents", "^v")

	addAllocation    = objc.Newer("MTLResidencySet", "-addAllocation:", "v@")
	removeAllocation = objc.Newer("MTLResidencySet", "-removeAllocation:", "v@")
	commitResidency  = objc.Newer("MTLResidencySet", "-commit", "v")
	requestResidency = objc.Newer("MTLResidencySet", "-requestResidency", "v")
	addResidencySet  = objc.Newer("MTLCommandQueue", "-addResidencySet:", "v@")

	setLanguageVersion = objc.Declare("MTLCompileOptions", "-setLanguageVersion:", "vQ")
	setFastMath        = objc.Declare("MTLCompileOptions", "-setFastMathEnabled:", "vB")
	setMathMode        = objc.Newer("MTLCompileOptions", "-setMathMode:", "vq")
	setMathFunctions   = objc.Newer("MTLCompileOptions", "-setMathFloatingPointFunctions:", "vq")

	newFunction       = objc.Declare("MTLLibrary", "-newFunctionWithName:", "@@")
	setFunction       = objc.Declare("MTLComputePipelineDescriptor", "-setComputeFunction:", "v@")
	setArchives       = objc.Declare("MTLComputePipelineDescriptor", "-setBinaryArchives:", "v@")
	setPipelineLabel  = objc.Declare("MTLComputePipelineDescriptor", "-setLabel:", "v@")
	maxThreads        = objc.Declare("MTLComputePipelineState", "-maxTotalThreadsPerThreadgroup", "Q")
	threadWidth       = objc.Declare("MTLComputePipelineState", "-threadExecutionWidth", "Q")
	setArchiveURL     = objc.Declare("MTLBinaryArchiveDescriptor", "-setUrl:", "v@")
	addToArchive      = objc.Declare("MTLBinaryArchive", "-addComputePipelineFunctionsWithDescriptor:error:", "B@^@")
	serializeArchive  = objc.Declare("MTLBinaryArchive", "-serializeToURL:error:", "B@^@")
	commandBuffer     = objc.Declare("MTLCommandQueue", "-commandBufferWithUnretainedReferences", "@")
	commandBufferWith = objc.Declare("MTLCommandQueue", "-commandBufferWithDescriptor:", "@@")

	setRetained     = objc.Declare("MTLCommandBufferDescriptor", "-setRetainedReferences:", "vB")
	setErrorOptions = objc.Declare("MTLCommandBufferDescriptor", "-setErrorOptions:", "vQ")

	computeEncoder = objc.Declare("MTLCommandBuffer", "-computeCommandEncoderWithDispatchType:", "@Q")
	blitEncoder    = objc.Declare("MTLCommandBuffer", "-blitCommandEncoder", "@")
	addCompleted   = objc.Declare("MTLCommandBuffer", "-addCompletedHandler:", "v@?")
	commit         = objc.Declare("MTLCommandBuffer", "-commit", "v")
	status         = objc.Declare("MTLCommandBuffer", "-status", "Q")
	bufferError    = objc.Declare("MTLCommandBuffer", "-error", "@")
	infoState      = objc.Declare("MTLCommandBufferEncoderInfo", "-errorState", "q")
	infoSignposts  = objc.Declare("MTLCommandBufferEncoderInfo", "-debugSignposts", "@")

	endEncoding    = objc.Declare("MTLCommandEncoder", "-endEncoding", "v")
	signpost       = objc.Declare("MTLCommandEncoder", "-insertDebugSignpost:", "v@")
	setPipeline    = objc.Declare("MTLComputeCommandEncoder", "-setComputePipelineState:", "v@")
	setBuffer      = objc.Declare("MTLComputeCommandEncoder", "-setBuffer:offset:atIndex:", "v@QQ")
	dispatchGroups = objc.Declare("MTLComputeCommandEncoder", "-dispatchThreadgroups:threadsPerThreadgroup:", "v{MTLSize=QQQ}{MTLSize=QQQ}")
	memoryBarrier  = objc.Declare("MTLComputeCommandEncoder", "-memoryBarrierWithScope:", "vQ")
	copyBuffer     = objc.Declare("MTLBlitCommandEncoder", "-copyFromBuffer:sourceOffset:toBuffer:destinationOffset:size:", "v@Q@QQ")
)

// Of Metal Performance Shaders and its graphs.
var (
	mpsCommandBuffer = objc.Declare("MPSCommandBuffer", "+commandBufferWithCommandBuffer:", "@@")
	mpsRoot          = objc.Declare("MPSCommandBuffer", "-rootCommandBuffer", "@")

	matrixDescriptor = objc.Declare("MPSMatrixDescriptor", "+matrixDescriptorWithRows:columns:matrices:rowBytes:matrixBytes:dataType:", "@QQQQQI")
	initMatrix       = objc.Declare("MPSMatrix", "-initWithBuffer:offset:descriptor:", "@@Q@")
	initMatmul       = objc.Typed[func(o objc.Object, selector uintptr, device objc.Object, left, right bool, rows, columns, inner uint64, alpha, beta float64) objc.Object](
		"MPSMatrixMultiplication", "-initWithDevice:transposeLeft:transposeRight:resultRows:resultColumns:interiorColumns:alpha:beta:", "@@BBQQQdd")
	encodeMatmul = objc.Declare("MPSMatrixMultiplication", "-encodeToCommandBuffer:leftMatrix:rightMatrix:resultMatrix:", "v@@@@")

	graphDevice    = objc.Declare("MPSGraphDevice", "+deviceWithMTLDevice:", "@@")
	placeholder    = objc.Declare("MPSGraph", "-placeholderWithShape:dataType:name:", "@@I@")
	convDescriptor = objc.Declare("MPSGraphConvolution2DOpDescriptor",
		"+descriptorWithStrideInX:strideInY:dilationRateInX:dilationRateInY:groups:paddingLeft:paddingRight:paddingTop:paddingBottom:paddingStyle:dataLayout:weightsLayout:",
		"@QQQQQQQQQQQQ")
	convolution           = objc.Declare("MPSGraph", "-convolution2DWithSourceTensor:weightsTensor:descriptor:name:", "@@@@@")
	convolutionGradInput  = objc.Declare("MPSGraph", "-convolution2DDataGradientWithIncomingGradientTensor:weightsTensor:outputShape:forwardConvolutionDescriptor:name:", "@@@@@@")
	convolutionGradKernel = objc.Declare("MPSGraph", "-convolution2DWeightsGradientWithIncomingGradientTensor:sourceTensor:outputShape:forwardConvolutionDescriptor:name:", "@@@@@@")
	initShapedType        = objc.Declare("MPSGraphShapedType", "-initWithShape:dataType:", "@@I")
	compileGraph          = objc.Declare("MPSGraph", "-compileWithDevice:feeds:targetTensors:targetOperations:compilationDescriptor:", "@@@@@@")
	feedTensors           = objc.Declare("MPSGraphExecutable", "-feedTensors", "@")
	encodeGraph           = objc.Declare("MPSGraphExecutable", "-encodeToCommandBuffer:inputsArray:resultsArray:executionDescriptor:", "@@@@@")

	initTensorData   = objc.Declare("MPSGraphTensorData", "-initWithMTLBuffer:shape:dataType:", "@@@I")
	initTensorArray  = objc.Declare("MPSGraphTensorData", "-initWithMPSNDArray:", "@@")
	arrayDescriptor  = objc.Declare("MPSNDArrayDescriptor", "+descriptorWithDataType:shape:", "@I@")
	preferPackedRows = objc.Newer("MPSNDArrayDescriptor", "-setPreferPackedRows:", "vB")
	initArray        = objc.Newer("MPSNDArray", "-initWithBuffer:offset:descriptor:", "@@Q@")
)

// Constants of Metal and MPS, by their names there.
const (
	mtlGPUFamilyApple7  int64 = 1007
	mtlGPUFamilyApple10 int64 = 1010

	mtlResourceStorageModeShared         uint64 = 0
	mtlResourceHazardTrackingModeTracked uint64 = 2 << 8

	mtlLanguageVersion3_0                    uint64 = 3 << 16
	mtlMathModeSafe                          int64  = 0
	mtlMathFloatingPointFunctionsPrecise     int64  = 1
	mtlPipelineOptionFailOnBinaryArchiveMiss uint64 = 1 << 2
	mtlPipelineOptionNone                    uint64 = 0

	mtlDispatchTypeConcurrent                         uint64 = 1
	mtlBarrierScopeBuffers                            uint64 = 1
	mtlCommandBufferStatusCompleted                   uint64 = 4
	mtlCommandBufferErrorDeviceRemoved                       = 11
	mtlCommandBufferErrorOptionEncoderExecutionStatus uint64 = 1
	mtlCommandEncoderErrorStateFaulted                       = 4
	mpsDataTypeFloat32                                uint32 = 0x10000000 | 32
	mpsDataTypeFloat16                                uint32 = 0x10000000 | 16
	mpsGraphPaddingStyleExplicit                      uint64 = 0
	mpsGraphTensorNamedDataLayoutNHWC                 uint64 = 1
	mpsGraphTensorNamedDataLayoutHWIO                 uint64 = 3
)
